WITH RECURSIVE me AS MATERIALIZED (
  SELECT r.oid, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user
),
-- Every role that the login is a member of, by whatever options.
belongs AS (
  SELECT m.oid FROM me AS m
  UNION
  SELECT m.roleid FROM belongs AS b JOIN pg_catalog.pg_auth_members AS m ON m.member = b.oid
)
SELECT pg_catalog.jsonb_build_object(
  'session_user', session_user,
  'current_user', current_user,
  'superuser', m.rolsuper,
  'inherits', m.rolinherit,
  'creates_roles', m.rolcreaterole,
  'creates_databases', m.rolcreatedb,
  'replicates', m.rolreplication,
  'bypasses', m.rolbypassrls,
  'mark', pg_catalog.shobj_description(m.oid, 'pg_authid'),
  'in_group', EXISTS (SELECT FROM pg_catalog.pg_auth_members AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.roleid
    WHERE a.member = m.oid AND r.rolname = {group}),
  'administers', EXISTS (SELECT FROM pg_catalog.pg_auth_members AS a WHERE a.member = m.oid AND a.admin_option),
  'others', (SELECT pg_catalog.count(*) FROM belongs AS b JOIN pg_catalog.pg_roles AS r ON r.oid = b.oid
    WHERE b.oid <> m.oid AND r.rolname <> {group}),
  'given_away', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_auth_members AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.member
    WHERE a.roleid = m.oid AND NOT r.rolsuper AND NOT r.rolcreaterole),
  'owns', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend AS s
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = m.oid AND s.deptype = 'o'),
  'settings', COALESCE((SELECT pg_catalog.jsonb_agg(c.assignment ORDER BY c.assignment COLLATE pg_catalog."C")
    FROM pg_catalog.pg_db_role_setting AS s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(assignment)
    WHERE s.setrole = m.oid AND (s.setdatabase = 0::pg_catalog.oid
      OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))), '[]')
)::pg_catalog.text AS identity
FROM me AS m
