select rules, epoch, indexed, through, upto, writes from judging
