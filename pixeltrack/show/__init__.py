"""The faces of a report: each format prints one ``CampaignReport`` and computes nothing."""
