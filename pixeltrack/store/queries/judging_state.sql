select rules, epoch, indexed, through, upto from judging
