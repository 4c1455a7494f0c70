SELECT FROM pg_depend AS d
JOIN (
  SELECT 'pg_class'::regclass AS class, c.oid, c.relnamespace AS schema FROM pg_class AS c
  UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace FROM pg_type AS t
  UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.pronamespace FROM pg_proc AS p
) AS target ON target.class = d.refclassid AND target.oid = d.refobjid
JOIN (
  SELECT 'pg_class'::regclass AS class, c.oid, c.relnamespace AS schema FROM pg_class AS c
  UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace FROM pg_type AS t
  UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.pronamespace FROM pg_proc AS p
  UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, c.relnamespace FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
  UNION ALL SELECT 'pg_attrdef'::regclass, a.oid, c.relnamespace FROM pg_attrdef AS a JOIN pg_class AS c ON c.oid = a.adrelid
  UNION ALL SELECT 'pg_constraint'::regclass, k.oid, k.connamespace FROM pg_constraint AS k
  UNION ALL SELECT 'pg_trigger'::regclass, t.oid, c.relnamespace FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  UNION ALL SELECT 'pg_policy'::regclass, p.oid, c.relnamespace FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
) AS dependent ON dependent.class = d.classid AND dependent.oid = d.objid
JOIN pg_namespace AS n ON n.oid = target.schema
WHERE n.nspname = {schema} AND dependent.schema <> target.schema
  AND dependent.schema NOT IN ('pg_toast'::regnamespace, 'pg_catalog'::regnamespace)
