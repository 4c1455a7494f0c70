
DECLARE
  login pg_catalog.text := session_user;
BEGIN
  -- The one spelling of a uuid behind the prefix.
  IF (login COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^{prefix}[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') IS TRUE THEN
    RETURN pg_catalog.substr(login, {behind})::pg_catalog.uuid;
  END IF;
  RETURN NULL;
END
