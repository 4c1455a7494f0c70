
BEGIN
  IF EXISTS (SELECT FROM tenancy.runtime_role AS r WHERE r.role_name OPERATOR(pg_catalog.=) current_user)
    -- A recorded role that can't log in is the group of the tenants' logins. Whoever may hand out
    -- its membership is no tenant.
    OR EXISTS (SELECT FROM pg_catalog.pg_roles AS u
      JOIN pg_catalog.pg_auth_members AS m ON m.member OPERATOR(pg_catalog.=) u.oid
      JOIN pg_catalog.pg_roles AS g ON g.oid OPERATOR(pg_catalog.=) m.roleid
      JOIN tenancy.runtime_role AS r ON r.role_name OPERATOR(pg_catalog.=) g.rolname
      WHERE u.rolname OPERATOR(pg_catalog.=) current_user
        AND NOT u.rolsuper AND NOT m.admin_option AND NOT g.rolcanlogin) THEN
    RAISE EXCEPTION USING ERRCODE = 'TN005', MESSAGE = 'the runtime role runs no DDL',
      HINT = 'Run migrations as the role that owns the tables.';
  END IF;
END
