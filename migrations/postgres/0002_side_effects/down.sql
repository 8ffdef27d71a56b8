DROP TABLE side_effects;
