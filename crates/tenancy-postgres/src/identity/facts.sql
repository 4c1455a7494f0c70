WITH me AS MATERIALIZED (
  SELECT r.oid, r.rolname, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user
),
db AS MATERIALIZED (
  SELECT d.oid, d.datname, d.datdba, d.datacl
  FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
),
own AS MATERIALIZED (
  SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}::pg_catalog.name
),
shared AS MATERIALIZED (
  SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY ({shared}::pg_catalog.name[])
),
-- Where tenants' things may lie: not the server's own schemas, not ours.
places AS MATERIALIZED (
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace AS n
  WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
    AND n.nspname <> 'information_schema'::pg_catalog.name AND n.nspname <> 'tenancy'::pg_catalog.name
),
others AS MATERIALIZED (
  SELECT p.oid FROM places AS p
  WHERE NOT EXISTS (SELECT FROM own WHERE own.oid = p.oid) AND NOT EXISTS (SELECT FROM shared WHERE shared.oid = p.oid)
),
-- What lies in the tenant's schema, with the parts of it that can point elsewhere.
parts AS MATERIALIZED (
  SELECT 1259::pg_catalog.oid AS class, c.oid FROM pg_catalog.pg_class AS c JOIN own ON own.oid = c.relnamespace
  UNION ALL SELECT 1255::pg_catalog.oid, p.oid FROM pg_catalog.pg_proc AS p JOIN own ON own.oid = p.pronamespace
  UNION ALL SELECT 2606::pg_catalog.oid, k.oid FROM pg_catalog.pg_constraint AS k JOIN own ON own.oid = k.connamespace
  UNION ALL SELECT 2618::pg_catalog.oid, r.oid FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class JOIN own ON own.oid = c.relnamespace
  UNION ALL SELECT 2604::pg_catalog.oid, a.oid FROM pg_catalog.pg_attrdef AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.adrelid JOIN own ON own.oid = c.relnamespace
  UNION ALL SELECT 2620::pg_catalog.oid, t.oid FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid JOIN own ON own.oid = c.relnamespace
  UNION ALL SELECT 3256::pg_catalog.oid, p.oid FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid JOIN own ON own.oid = c.relnamespace
  -- And the views that all tenants read.
  UNION ALL SELECT 2618::pg_catalog.oid, r.oid FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class JOIN shared ON shared.oid = c.relnamespace
)
SELECT pg_catalog.jsonb_build_object(
  'server_version_num', pg_catalog.current_setting('server_version_num')::pg_catalog.int8,
  'max_prepared_transactions', pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8,
  'lo_compat_privileges', pg_catalog.current_setting('lo_compat_privileges')::pg_catalog.bool,
  'session_user', session_user::pg_catalog.text,
  'current_user', current_user::pg_catalog.text,
  'database', pg_catalog.current_database()::pg_catalog.text,
  'search_path', pg_catalog.current_setting('search_path'),
  'superuser', (SELECT me.rolsuper FROM me),
  'creates_databases', (SELECT me.rolcreatedb FROM me),
  'creates_roles', (SELECT me.rolcreaterole FROM me),
  'replicates', (SELECT me.rolreplication FROM me),
  'bypasses', (SELECT me.rolbypassrls FROM me),
  'login_mark', (SELECT pg_catalog.shobj_description(me.oid, 'pg_authid') FROM me),
  'schema_mark', (SELECT pg_catalog.obj_description(own.oid, 'pg_namespace') FROM own),
  'database_mark', (SELECT pg_catalog.shobj_description(db.oid, 'pg_database') FROM db),
  'memberships', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_auth_members AS m JOIN me ON me.oid = m.member),
  'members', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_auth_members AS m JOIN me ON me.oid = m.roleid
    JOIN pg_catalog.pg_roles AS r ON r.oid = m.member WHERE NOT r.rolsuper AND NOT r.rolcreaterole),
  'owns', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend AS s JOIN me ON me.oid = s.refobjid
    WHERE s.refclassid = 1260::pg_catalog.oid AND s.deptype = 'o'::pg_catalog."char"),
  'creates', (SELECT pg_catalog.has_database_privilege(db.oid, 'CREATE') FROM db),
  'temporary', (SELECT pg_catalog.has_database_privilege(db.oid, 'TEMPORARY') FROM db),
  'public_connect', (SELECT pg_catalog.count(*) FROM db,
    pg_catalog.aclexplode(COALESCE(db.datacl, pg_catalog.acldefault('d', db.datdba))) AS a
    WHERE a.grantee = 0::pg_catalog.oid AND a.privilege_type = 'CONNECT') > 0::pg_catalog.int8,
  'guests', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdescription AS t JOIN pg_catalog.pg_roles AS r ON r.oid = t.objoid, db, me
    WHERE t.classoid = 1260::pg_catalog.oid AND pg_catalog.starts_with(t.description, '{prefix}')
      AND r.oid <> me.oid AND NOT r.rolsuper AND pg_catalog.has_database_privilege(r.oid, db.oid, 'CONNECT')),
  'other_tenants_databases', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_database AS d, db
    WHERE d.oid <> db.oid AND d.datallowconn AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
      AND pg_catalog.starts_with(pg_catalog.shobj_description(d.oid, 'pg_database'), '{prefix}')),
  'other_databases', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_database AS d, db
    WHERE d.oid <> db.oid AND d.datallowconn AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')),
  'usage', (SELECT pg_catalog.bool_and(pg_catalog.has_schema_privilege(own.oid, 'USAGE')) FROM own),
  'other_schemas', (SELECT pg_catalog.count(*) FROM others WHERE pg_catalog.has_schema_privilege(others.oid, 'USAGE')),
  'creatable_schemas', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace AS n
    WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_') AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast_temp_')
      AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')),
  'shared_writes', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c JOIN shared ON shared.oid = c.relnamespace
    WHERE c.relkind = ANY ('{r,p,v,f}'::pg_catalog."char"[]) AND pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE')
      OR c.relkind = ANY ('{r,p,v,f}'::pg_catalog."char"[]) AND pg_catalog.has_table_privilege(c.oid, 'DELETE, TRUNCATE')),
  'truncates', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c JOIN places AS p ON p.oid = c.relnamespace
    WHERE c.relkind = ANY ('{r,p,f}'::pg_catalog."char"[]) AND pg_catalog.has_schema_privilege(p.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'TRUNCATE, TRIGGER, REFERENCES')),
  'ours', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'tenancy'::pg_catalog.name AND c.relname = ANY ('{placement,seal_key}'::pg_catalog.name[])
      AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')),
  'leaving', (SELECT pg_catalog.count(*) FROM parts JOIN pg_catalog.pg_depend AS d ON d.classid = parts.class AND d.objid = parts.oid
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN others ON others.oid = c.relnamespace
        WHERE d.refclassid = 1259::pg_catalog.oid AND c.oid = d.refobjid)
      OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p JOIN others ON others.oid = p.pronamespace
        WHERE d.refclassid = 1255::pg_catalog.oid AND p.oid = d.refobjid
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = 1255::pg_catalog.oid AND e.objid = p.oid AND e.deptype = 'e'::pg_catalog."char"))),
  -- A child's rows are its parent's too, and a key reaches back.
  'entering', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS h JOIN pg_catalog.pg_class AS c ON c.oid = h.inhrelid JOIN others ON others.oid = c.relnamespace
      JOIN pg_catalog.pg_class AS p ON p.oid = h.inhparent
      WHERE EXISTS (SELECT FROM own WHERE own.oid = p.relnamespace) OR EXISTS (SELECT FROM shared WHERE shared.oid = p.relnamespace))
    OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(DISTINCT k.oid) FROM pg_catalog.pg_class AS c JOIN own ON own.oid = c.relnamespace
      -- There is no index on what a key refers to.
      JOIN pg_catalog.pg_depend AS d ON d.refclassid = 1259::pg_catalog.oid AND d.refobjid = c.oid AND d.classid = 2606::pg_catalog.oid
      JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid AND k.contype = 'f'::pg_catalog."char" AND k.confrelid = c.oid
      JOIN others ON others.oid = k.connamespace),
  'definers', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc AS p JOIN own ON own.oid = p.pronamespace WHERE p.prosecdef)
    OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc AS p JOIN shared ON shared.oid = p.pronamespace
      WHERE p.prosecdef AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e WHERE e.classid = 1255::pg_catalog.oid AND e.objid = p.oid AND e.deptype = 'e'::pg_catalog."char")),
  'foreign_servers', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_foreign_server AS f WHERE pg_catalog.has_server_privilege(f.oid, 'USAGE'))
    OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_foreign_data_wrapper AS f WHERE pg_catalog.has_foreign_data_wrapper_privilege(f.oid, 'USAGE'))
    OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c JOIN own ON own.oid = c.relnamespace WHERE c.relkind = 'f'::pg_catalog."char"),
  'server_functions', (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(ARRAY[{server_functions}]::pg_catalog.text[]) AS f(name)
    WHERE pg_catalog.has_function_privilege(pg_catalog.to_regprocedure(pg_catalog.concat('pg_catalog.', f.name))::pg_catalog.oid, 'EXECUTE')),
  'parameters', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_parameter_acl AS p, pg_catalog.aclexplode(p.paracl) AS a, me
    WHERE a.grantee = me.oid OR a.grantee = 0::pg_catalog.oid),
  'role_settings', COALESCE((SELECT pg_catalog.jsonb_agg(s.assignment) FROM (SELECT pg_catalog.unnest(x.setconfig) AS assignment
    FROM pg_catalog.pg_db_role_setting AS x JOIN me ON me.oid = x.setrole, db
    WHERE x.setdatabase = 0::pg_catalog.oid OR x.setdatabase = db.oid) AS s), '[]'::pg_catalog.jsonb),
  'session_settings', {session_settings},
  'fingerprint', ({fingerprint})
)::pg_catalog.text AS identity
