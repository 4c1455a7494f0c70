WITH RECURSIVE
-- Deparsed expressions name what the search path hides, so it is pinned before any is read.
pin AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', 'pg_catalog', true) AS path),
runtime AS MATERIALIZED (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = {runtime}),
-- The tenants' own logins, where the walls read them: what must hold for the runtime role (here the
-- group) must hold for each.
logins AS MATERIALIZED (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.starts_with(r.rolname::pg_catalog.text, {logins})
),
serving AS MATERIALIZED (SELECT r.oid FROM runtime AS r UNION SELECT l.oid FROM logins AS l),
-- The roles that serve and every role they are a member of, by whatever options.
belongs AS (
  SELECT s.oid FROM serving AS s
  UNION
  SELECT m.roleid FROM belongs AS b JOIN pg_catalog.pg_auth_members AS m ON m.member = b.oid
),
who AS MATERIALIZED (SELECT b.oid FROM belongs AS b UNION SELECT 0::pg_catalog.oid),
sealer AS MATERIALIZED (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'tenancy_owner'),
-- Roles that row security does not bind, or that can write the scope.
above AS MATERIALIZED (
  SELECT r.oid FROM pg_catalog.pg_roles AS r
  WHERE r.rolsuper OR r.rolbypassrls
    OR EXISTS (SELECT FROM sealer AS s WHERE pg_catalog.pg_has_role(r.oid, s.oid, 'USAGE'))
),
-- Those whose rights the runtime role can borrow: the owners of the definer functions that it may
-- execute, of those that they may, and so on.
lent AS (
  SELECT w.oid FROM who AS w
  UNION
  SELECT p.proowner FROM lent AS b
  JOIN pg_catalog.pg_proc AS p ON p.prosecdef AND p.pronamespace <> 'tenancy'::pg_catalog.regnamespace::pg_catalog.oid
    AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger']::pg_catalog.regtype[]::pg_catalog.oid[])
  WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a WHERE a.grantee = b.oid)
),
shared AS MATERIALIZED (SELECT s.relation::pg_catalog.oid AS oid, s.writable FROM tenancy.shared_table AS s),
rel AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
    c.reloptions, c.relispartition
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'f', 'S']::pg_catalog."char"[])
    -- What initdb made has an oid below.
    AND (n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema']::pg_catalog.name[]) OR c.oid > 16383::pg_catalog.oid)
    AND n.nspname <> ALL (ARRAY['pg_toast', 'tenancy']::pg_catalog.name[])
    AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
),
priv AS MATERIALIZED (
  SELECT r.oid, a.privilege_type, a.is_grantable, a.grantee
  FROM rel AS r CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(r.relacl, pg_catalog.acldefault(
    (CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END)::pg_catalog."char", r.relowner))) AS a
  WHERE a.grantee = ANY (SELECT w.oid FROM who AS w)
  UNION ALL
  SELECT r.oid, a.privilege_type, a.is_grantable, a.grantee
  FROM rel AS r JOIN pg_catalog.pg_attribute AS t ON t.attrelid = r.oid AND NOT t.attisdropped
  CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
  WHERE a.grantee = ANY (SELECT w.oid FROM who AS w)
),
-- What the runtime role can name, and what the views and rules on it lead to. A view that is
-- declared shared was looked at by whoever declared it.
reach AS (
  SELECT p.oid FROM priv AS p
  UNION
  SELECT d.refobjid FROM reach AS x
  JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = x.oid
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> x.oid
  JOIN rel AS r ON r.oid = d.refobjid
  WHERE NOT EXISTS (SELECT FROM shared AS s WHERE s.oid = x.oid)
),
-- Partitions and inheritance children, which are reached through their ancestor without a grant.
family AS (
  SELECT h.inhrelid AS oid, x.oid AS ancestor FROM reach AS x JOIN pg_catalog.pg_inherits AS h ON h.inhparent = x.oid
  UNION
  SELECT h.inhrelid, f.ancestor FROM family AS f JOIN pg_catalog.pg_inherits AS h ON h.inhparent = f.oid
),
-- Besides, what their foreign keys refer to, and what a change of their rows changes in turn.
look AS MATERIALIZED (
  SELECT x.oid FROM reach AS x
  UNION
  SELECT f.oid FROM family AS f
  UNION
  SELECT k.confrelid FROM reach AS x
  JOIN pg_catalog.pg_constraint AS k ON k.conrelid = x.oid AND k.contype = 'f' AND k.conparentid = 0::pg_catalog.oid
  UNION
  SELECT k.conrelid FROM reach AS x
  JOIN pg_catalog.pg_constraint AS k ON k.confrelid = x.oid AND k.contype = 'f'
    AND (k.confdeltype = ANY (ARRAY['c', 'n', 'd']::pg_catalog."char"[]) OR k.confupdtype = ANY (ARRAY['c', 'n', 'd']::pg_catalog."char"[]))
),
-- Owners of definer functions that own, or are granted, what is neither walled nor declared shared.
unwalled AS MATERIALIZED (
  SELECT DISTINCT b.oid FROM lent AS b JOIN rel AS r ON r.relkind = ANY (ARRAY['r', 'p', 'm', 'f']::pg_catalog."char"[])
  WHERE b.oid <> ALL (SELECT w.oid FROM who AS w)
    AND NOT r.relispartition AND NOT (r.relrowsecurity AND r.relforcerowsecurity)
    AND NOT EXISTS (SELECT FROM shared AS s WHERE s.oid = r.oid)
    AND (r.relowner = b.oid OR EXISTS (SELECT FROM pg_catalog.aclexplode(r.relacl) AS a WHERE a.grantee = b.oid))
),
relations AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'oid', r.oid::pg_catalog.int8,
    'schema', r.nspname,
    'name', r.relname,
    'kind', r.relkind,
    'owner', pg_catalog.pg_get_userbyid(r.relowner),
    'owner_above', r.relowner = ANY (SELECT a.oid FROM above AS a),
    'row_security', r.relrowsecurity,
    'forced', r.relforcerowsecurity,
    'partition', r.relispartition,
    'invoker', COALESCE((SELECT o.option_value::pg_catalog.bool FROM pg_catalog.pg_options_to_table(r.reloptions) AS o
      WHERE o.option_name = 'security_invoker'), false),
    'ancestor', (SELECT f.ancestor::pg_catalog.int8 FROM family AS f WHERE f.oid = r.oid ORDER BY f.ancestor LIMIT 1),
    'reachable', EXISTS (SELECT FROM reach AS x WHERE x.oid = r.oid),
    'shared', (SELECT CASE WHEN s.writable THEN 'writable' ELSE 'read_only' END FROM shared AS s WHERE s.oid = r.oid),
    'privileges', COALESCE((SELECT pg_catalog.jsonb_agg(DISTINCT p.privilege_type) FROM priv AS p WHERE p.oid = r.oid), '[]'),
    'public_privileges', COALESCE((SELECT pg_catalog.jsonb_agg(DISTINCT p.privilege_type) FROM priv AS p
      WHERE p.oid = r.oid AND p.grantee = 0::pg_catalog.oid), '[]'),
    'grantable', EXISTS (SELECT FROM priv AS p WHERE p.oid = r.oid AND p.is_grantable AND p.grantee = ANY (SELECT w.oid FROM who AS w)),
    'columns', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', t.attname,
        'type_oid', t.atttypid::pg_catalog.int8,
        'type', pg_catalog.format_type(t.atttypid, t.atttypmod),
        'not_null', t.attnotnull,
        'generated', t.attgenerated <> '' OR t.attidentity <> '',
        'deterministic', COALESCE((SELECT o.collisdeterministic FROM pg_catalog.pg_collation AS o WHERE o.oid = t.attcollation), true),
        'default', (SELECT pg_catalog.pg_get_expr(e.adbin, CASE WHEN (SELECT pin.path FROM pin) = 'pg_catalog' THEN e.adrelid END)
          FROM pg_catalog.pg_attrdef AS e WHERE e.adrelid = r.oid AND e.adnum = t.attnum)
      ) ORDER BY t.attnum)
      FROM pg_catalog.pg_attribute AS t
      WHERE t.attrelid = r.oid AND t.attnum > 0 AND NOT t.attisdropped AND r.relkind = ANY (ARRAY['r', 'p']::pg_catalog."char"[])), '[]'),
    'policies', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', p.polname,
        'permissive', p.polpermissive,
        'command', p.polcmd,
        'to_public', p.polroles = ARRAY[0]::pg_catalog.oid[],
        'using', pg_catalog.pg_get_expr(p.polqual, CASE WHEN (SELECT pin.path FROM pin) = 'pg_catalog' THEN p.polrelid END),
        'check', pg_catalog.pg_get_expr(p.polwithcheck, CASE WHEN (SELECT pin.path FROM pin) = 'pg_catalog' THEN p.polrelid END),
        'functions', COALESCE((SELECT pg_catalog.jsonb_agg(DISTINCT d.refobjid::pg_catalog.int8) FROM pg_catalog.pg_depend AS d
          WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
            AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass), '[]'),
        'others', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend AS d
          WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
            AND d.refclassid <> 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid <> p.polrelid)
      ) ORDER BY p.polname)
      FROM pg_catalog.pg_policy AS p WHERE p.polrelid = r.oid), '[]'),
    'indexes', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = i.indexrelid),
        'unique', i.indisunique OR i.indisexclusion,
        'keys', (SELECT pg_catalog.jsonb_agg((SELECT t.attname FROM pg_catalog.pg_attribute AS t
            WHERE t.attrelid = i.indrelid AND t.attnum = k.attnum AND k.attnum <> 0::pg_catalog.int2) ORDER BY k.place)
          FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place) WHERE k.place <= i.indnkeyatts),
        'exclusion_operators', (SELECT pg_catalog.jsonb_agg((SELECT o.oprname FROM pg_catalog.pg_operator AS o WHERE o.oid = x.op) ORDER BY x.place)
          FROM pg_catalog.pg_constraint AS n CROSS JOIN LATERAL pg_catalog.unnest(n.conexclop) WITH ORDINALITY AS x(op, place)
          WHERE n.conindid = i.indexrelid AND n.contype = 'x')
      ) ORDER BY i.indexrelid)
      FROM pg_catalog.pg_index AS i WHERE i.indrelid = r.oid
        -- Its parent's, which is judged there.
        AND NOT (r.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = i.indexrelid)) AND r.relkind = ANY (ARRAY['r', 'p']::pg_catalog."char"[])), '[]'),
    'foreign_keys', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', k.conname,
        'target', k.confrelid::pg_catalog.int8,
        'columns', (SELECT pg_catalog.jsonb_agg((SELECT t.attname FROM pg_catalog.pg_attribute AS t
            WHERE t.attrelid = k.conrelid AND t.attnum = a.attnum) ORDER BY a.place)
          FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS a(attnum, place)),
        'target_columns', (SELECT pg_catalog.jsonb_agg((SELECT t.attname FROM pg_catalog.pg_attribute AS t
            WHERE t.attrelid = k.confrelid AND t.attnum = a.attnum) ORDER BY a.place)
          FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS a(attnum, place))
      ) ORDER BY k.conname)
      FROM pg_catalog.pg_constraint AS k
      WHERE k.conrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0::pg_catalog.oid), '[]'),
    'rules', COALESCE((SELECT pg_catalog.jsonb_agg(w.rulename ORDER BY w.rulename) FROM pg_catalog.pg_rewrite AS w
      WHERE w.ev_class = r.oid AND w.rulename <> '_RETURN'), '[]')
  ) ORDER BY r.nspname, r.relname) AS value
  FROM rel AS r WHERE r.oid = ANY (SELECT l.oid FROM look AS l)
),
used AS MATERIALIZED (
  SELECT t.tgfoid AS oid FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = ANY (SELECT l.oid FROM look AS l)
  UNION
  -- An aggregate runs its functions with its owner's right to execute them.
  SELECT f.oid::pg_catalog.oid FROM pg_catalog.pg_aggregate AS g
  JOIN pg_catalog.pg_proc AS p ON p.oid = g.aggfnoid::pg_catalog.oid AND p.oid > 16383::pg_catalog.oid
  CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn,
    g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn]::pg_catalog.regproc[]) AS f(oid)
  WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
    WHERE a.grantee = ANY (SELECT w.oid FROM who AS w))
),
functions AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', p.proname,
    'arguments', pg_catalog.pg_get_function_identity_arguments(p.oid),
    'definer', p.prosecdef,
    'leakproof', p.proleakproof,
    'language', g.lanname,
    -- Outside of an extension, each of these two can be another name of what is out of reach.
    'trusted', g.lanpltrusted OR (x.extname IS NOT NULL AND g.lanname = ANY (ARRAY['c', 'internal']::pg_catalog.name[])),
    'owner_unwalled', p.proowner = ANY (SELECT u.oid FROM unwalled AS u),
    'owner_owns_walls', EXISTS (SELECT FROM rel AS r WHERE r.relowner = p.proowner AND r.relrowsecurity),
    'owner', pg_catalog.pg_get_userbyid(p.proowner),
    'owner_above', p.proowner = ANY (SELECT a.oid FROM above AS a),
    'extension', x.extname,
    'trigger', p.oid = ANY (SELECT u.oid FROM used AS u)
  ) ORDER BY n.nspname, p.proname, p.oid) AS value
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang
  LEFT JOIN LATERAL (SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass) AS x ON true
  WHERE n.nspname <> 'tenancy'
    AND (n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema']::pg_catalog.name[]) OR p.oid > 16383::pg_catalog.oid)
    AND (p.prosecdef OR p.proleakproof OR NOT g.lanpltrusted)
    AND (p.oid = ANY (SELECT u.oid FROM used AS u) OR EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
      WHERE a.grantee = ANY (SELECT w.oid FROM who AS w) OR (p.prosecdef AND a.grantee = ANY (SELECT b.oid FROM lent AS b))))
    -- A trigger's function can't be called, and is looked at where a trigger runs it.
    AND (p.prorettype <> ALL (ARRAY['trigger', 'event_trigger']::pg_catalog.regtype[]::pg_catalog.oid[]) OR p.oid = ANY (SELECT u.oid FROM used AS u))
    AND (p.prosecdef OR p.proleakproof OR g.lanname <> ALL (ARRAY['c', 'internal']::pg_catalog.name[])
      OR x.extname IS NULL OR x.extname = ANY (ARRAY['dblink', 'pgrowlocks', 'pg_stat_statements']::pg_catalog.name[]))
),
roles AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'name', r.rolname, 'superuser', r.rolsuper, 'bypasses', r.rolbypassrls, 'creates_roles', r.rolcreaterole,
    'creates_databases', r.rolcreatedb, 'replicates', r.rolreplication, 'login', r.rolcanlogin)) AS value
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname = ANY (ARRAY[{runtime}, {central}, {owner}, 'tenancy_owner']::pg_catalog.name[])
    OR (r.oid = ANY (SELECT l.oid FROM logins AS l)
      AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication))
),
memberships AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'role', pg_catalog.pg_get_userbyid(m.roleid), 'member', pg_catalog.pg_get_userbyid(m.member),
    'of_runtime', m.member = ANY (SELECT b.oid FROM belongs AS b),
    'member_creates_roles', EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = m.member AND (r.rolsuper OR r.rolcreaterole)),
    'member_superuser', (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = m.member))) AS value
  FROM pg_catalog.pg_auth_members AS m
  WHERE (m.member = ANY (SELECT b.oid FROM belongs AS b)
      AND NOT (NOT m.admin_option AND m.member = ANY (SELECT l.oid FROM logins AS l) AND m.roleid = ANY (SELECT r.oid FROM runtime AS r)))
    OR m.roleid = ANY (SELECT l.oid FROM logins AS l)
    OR m.roleid = ANY (SELECT s.oid FROM sealer AS s)
    OR m.member = ANY (SELECT s.oid FROM sealer AS s)
),
seal_relations AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'name', c.relname, 'kind', c.relkind, 'owner', pg_catalog.pg_get_userbyid(c.relowner), 'unlogged', c.relpersistence = 'u',
    'meddled', c.relrowsecurity OR c.relhasrules OR c.relhastriggers OR c.relispartition OR c.relhassubclass
      OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid),
    'bounds', (SELECT pg_catalog.concat(q.seqmin, ' ', q.seqmax, ' ', q.seqcache) FROM pg_catalog.pg_sequence AS q WHERE q.seqrelid = c.oid),
    'grants', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.concat(
        CASE WHEN a.grantee = 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END, ' ', a.privilege_type))
      FROM (SELECT x.grantee, x.privilege_type FROM pg_catalog.aclexplode(c.relacl) AS x
        UNION SELECT x.grantee, x.privilege_type FROM pg_catalog.pg_attribute AS t CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS x
        WHERE t.attrelid = c.oid) AS a WHERE a.grantee <> c.relowner), '[]')
  ) ORDER BY c.relname) AS value
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'tenancy' AND c.relkind <> ALL (ARRAY['i', 't', 'c']::pg_catalog."char"[])
),
seal_functions AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'oid', p.oid::pg_catalog.int8, 'name', p.proname, 'arguments', pg_catalog.oidvectortypes(p.proargtypes),
    'returns', pg_catalog.format_type(p.prorettype, NULL), 'source', p.prosrc, 'language', g.lanname,
    'owner', pg_catalog.pg_get_userbyid(p.proowner), 'definer', p.prosecdef, 'volatility', p.provolatile, 'parallel', p.proparallel,
    'odd', p.proisstrict OR p.proleakproof OR p.proretset OR p.prokind <> 'f' OR p.proconfig IS NOT NULL
      OR p.prosupport::pg_catalog.oid <> 0::pg_catalog.oid OR p.pronargdefaults <> 0::pg_catalog.int2 OR p.probin IS NOT NULL,
    'grants', COALESCE((SELECT pg_catalog.jsonb_agg(
        CASE WHEN a.grantee = 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END)
      FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a WHERE a.grantee <> p.proowner), '[]')
  ) ORDER BY p.proname, p.oid) AS value
  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang
  WHERE n.nspname = 'tenancy'
),
-- What a login has on the database by a grant of its own.
logins_on_database AS MATERIALIZED (
  SELECT a.privilege_type FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS a
  WHERE d.datname = pg_catalog.current_database() AND a.grantee = ANY (SELECT l.oid FROM logins AS l)
),
server_functions AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(f.signature ORDER BY f.signature) AS value
  FROM pg_catalog.unnest(ARRAY[{server_functions}]) AS f(signature) CROSS JOIN runtime AS r
  WHERE pg_catalog.has_function_privilege(r.oid, pg_catalog.to_regprocedure(pg_catalog.concat('pg_catalog.', f.signature)), 'EXECUTE')
    OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
      WHERE p.oid = pg_catalog.to_regprocedure(pg_catalog.concat('pg_catalog.', f.signature))::pg_catalog.oid
        AND a.grantee = ANY (SELECT l.oid FROM logins AS l))
),
-- Privileges on the system's own relations that nobody has by default.
system_grants AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.concat(a.privilege_type, ' ON ', n.nspname, '.', c.relname)) AS value
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT x.grantee, x.privilege_type FROM pg_catalog.aclexplode(c.relacl) AS x
    UNION ALL SELECT x.grantee, x.privilege_type FROM pg_catalog.pg_attribute AS t CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS x
    WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL AND (c.relname <> 'pg_subscription' OR t.attname = 'subconninfo')) AS a
  WHERE n.nspname = ANY (ARRAY['pg_catalog', 'pg_toast']::pg_catalog.name[]) AND a.grantee = ANY (SELECT w.oid FROM who AS w)
    AND ((a.privilege_type <> 'SELECT' AND c.relname <> 'pg_settings') OR n.nspname = 'pg_toast'
      OR c.relname = ANY (ARRAY['pg_authid', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_user_mapping', 'pg_shadow',
        'pg_subscription', 'pg_hba_file_rules', 'pg_file_settings']::pg_catalog.name[]))
),
schemas AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(DISTINCT n.nspname) AS value FROM pg_catalog.pg_namespace AS n
  CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
  WHERE a.privilege_type = 'CREATE' AND a.grantee = ANY (SELECT w.oid FROM who AS w)
),
languages AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(g.lanname ORDER BY g.lanname) AS value FROM pg_catalog.pg_language AS g CROSS JOIN runtime AS r
  WHERE g.laninline <> 0::pg_catalog.oid AND (pg_catalog.has_language_privilege(r.oid, g.oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.aclexplode(g.lanacl) AS a WHERE a.grantee = ANY (SELECT l.oid FROM logins AS l)))
),
parameters AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(DISTINCT p.parname) AS value FROM pg_catalog.pg_parameter_acl AS p
  CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) AS a WHERE a.grantee = ANY (SELECT w.oid FROM who AS w)
),
settings AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'assignment', c.assignment, 'role', (SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.oid = s.setrole),
    'of_database', s.setdatabase <> 0::pg_catalog.oid)) AS value
  FROM pg_catalog.pg_db_role_setting AS s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(assignment)
  WHERE (s.setrole = 0::pg_catalog.oid OR s.setrole = ANY (SELECT v.oid FROM serving AS v))
    AND (s.setdatabase = 0::pg_catalog.oid OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
),
default_grants AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_object('owner', pg_catalog.pg_get_userbyid(d.defaclrole),
    'schema', (SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.oid = d.defaclnamespace),
    'public', a.grantee = 0::pg_catalog.oid)) AS value
  FROM pg_catalog.pg_default_acl AS d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS a
  WHERE d.defaclobjtype = 'r' AND a.grantee = ANY (SELECT w.oid FROM who AS w)
),
owned AS MATERIALIZED (
  SELECT pg_catalog.jsonb_agg(pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid)) AS value
  FROM pg_catalog.pg_shdepend AS s
  WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = ANY (SELECT v.oid FROM serving AS v) AND s.deptype = 'o'
    -- A login's large objects are out of all others' reach, and it can't be kept from making some everywhere.
    -- Its default privileges are for what it makes, which is nothing.
    AND NOT (s.classid = ANY (ARRAY['pg_catalog.pg_largeobject', 'pg_catalog.pg_default_acl']::pg_catalog.regclass[]::pg_catalog.oid[])
      AND s.refobjid = ANY (SELECT l.oid FROM logins AS l))
    AND (s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
      OR (s.dbid = 0::pg_catalog.oid AND (s.classid <> 'pg_catalog.pg_database'::pg_catalog.regclass
        OR s.objid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))))
),
large_objects AS MATERIALIZED (
  SELECT pg_catalog.count(DISTINCT l.oid) AS value FROM pg_catalog.pg_largeobject_metadata AS l
  CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) AS a
  WHERE a.grantee = ANY (SELECT w.oid FROM who AS w)
    AND NOT (a.grantee = l.lomowner AND l.lomowner = ANY (SELECT o.oid FROM logins AS o))
)
SELECT pg_catalog.jsonb_build_object(
  'server_version_num', pg_catalog.current_setting('server_version_num')::pg_catalog.int8,
  'max_prepared_transactions', pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8,
  'lo_compat_privileges', pg_catalog.current_setting('lo_compat_privileges') = 'on',
  'installed', (SELECT i.version FROM tenancy.installed AS i),
  'recorded', EXISTS (SELECT FROM tenancy.runtime_role AS r WHERE r.role_name = {runtime}),
  'database', pg_catalog.current_database(),
  'creates', (SELECT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE')
    OR EXISTS (SELECT FROM logins_on_database AS d WHERE d.privilege_type = 'CREATE') FROM runtime AS r),
  'temporary', (SELECT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'TEMPORARY')
    OR EXISTS (SELECT FROM logins_on_database AS d WHERE d.privilege_type = 'TEMPORARY') FROM runtime AS r),
  'schema_owner', (SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'tenancy'),
  'event_trigger', (SELECT e.evtenabled = 'A' AND e.evtevent = 'ddl_command_start' AND e.evttags IS NULL
      AND e.evtfoid = pg_catalog.to_regprocedure('tenancy.no_ddl()')::pg_catalog.oid
    FROM pg_catalog.pg_event_trigger AS e WHERE e.evtname = 'tenancy_no_ddl'),
  'relations', COALESCE((SELECT x.value FROM relations AS x), '[]'),
  'functions', COALESCE((SELECT x.value FROM functions AS x), '[]'),
  'roles', COALESCE((SELECT x.value FROM roles AS x), '[]'),
  'memberships', COALESCE((SELECT x.value FROM memberships AS x), '[]'),
  'seal_relations', COALESCE((SELECT x.value FROM seal_relations AS x), '[]'),
  'seal_functions', COALESCE((SELECT x.value FROM seal_functions AS x), '[]'),
  'server_functions', COALESCE((SELECT x.value FROM server_functions AS x), '[]'),
  'system_grants', COALESCE((SELECT x.value FROM system_grants AS x), '[]'),
  'schemas', COALESCE((SELECT x.value FROM schemas AS x), '[]'),
  'languages', COALESCE((SELECT x.value FROM languages AS x), '[]'),
  'parameters', COALESCE((SELECT x.value FROM parameters AS x), '[]'),
  'settings', COALESCE((SELECT x.value FROM settings AS x), '[]'),
  'default_grants', COALESCE((SELECT x.value FROM default_grants AS x), '[]'),
  'owned', COALESCE((SELECT x.value FROM owned AS x), '[]'),
  'large_objects', (SELECT x.value FROM large_objects AS x)
)::pg_catalog.text AS snapshot
