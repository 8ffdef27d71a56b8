DROP TABLE blocked_numbers;
DROP TABLE handoffs;
DROP TABLE occupied;
DROP TABLE holds;
DROP TABLE appointments;
DROP FUNCTION occupy_by_hold;
DROP FUNCTION occupy_by_appointment;
DROP TYPE name_range;
