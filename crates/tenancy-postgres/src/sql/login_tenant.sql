
DECLARE
  login pg_catalog.text := session_user;
BEGIN
  -- The prefix, and an id behind it. Whoever has another name is nobody.
  IF (login COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^{prefix}[a-z0-9]([a-z0-9_-]*[a-z0-9])?$') IS TRUE THEN
    RETURN pg_catalog.substr(login, {behind});
  END IF;
  RETURN NULL;
END
