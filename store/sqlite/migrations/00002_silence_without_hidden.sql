-- +goose Up
-- Nothing counted it: what a silence hides is found when it is looked at.
ALTER TABLE silence DROP COLUMN hidden;
