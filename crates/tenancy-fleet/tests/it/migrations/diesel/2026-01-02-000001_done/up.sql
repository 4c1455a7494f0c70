ALTER TABLE notes ADD done boolean NOT NULL DEFAULT false;
