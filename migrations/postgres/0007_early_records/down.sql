DROP TABLE early_records;
