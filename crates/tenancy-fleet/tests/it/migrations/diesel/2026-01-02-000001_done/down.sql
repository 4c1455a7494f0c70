ALTER TABLE notes DROP done;
