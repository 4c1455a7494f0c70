
BEGIN
  IF EXISTS (SELECT FROM tenancy.runtime_role AS r WHERE r.role_name OPERATOR(pg_catalog.=) current_user) THEN
    RAISE EXCEPTION USING ERRCODE = 'TN005', MESSAGE = 'the runtime role runs no DDL',
      HINT = 'Run migrations as the role that owns the tables.';
  END IF;
END
