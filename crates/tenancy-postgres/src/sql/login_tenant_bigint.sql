
DECLARE
  login pg_catalog.text := session_user;
  id pg_catalog.numeric;
BEGIN
  -- The one spelling of a bigint behind the prefix.
  IF (login COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^{prefix}(0|[1-9][0-9]{0,18})$') IS TRUE THEN
    id := pg_catalog.substr(login, {behind})::pg_catalog.numeric;
    IF id OPERATOR(pg_catalog.<=) 9223372036854775807::pg_catalog.numeric THEN
      RETURN id::pg_catalog.int8;
    END IF;
  END IF;
  RETURN NULL;
END
