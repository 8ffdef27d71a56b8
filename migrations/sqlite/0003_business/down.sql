DROP TABLE blocked_numbers;
DROP TABLE handoffs;
DROP TABLE occupied;
DROP TABLE holds;
DROP TABLE appointments;
