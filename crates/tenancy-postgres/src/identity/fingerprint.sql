SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(
  session_user::pg_catalog.text, current_user::pg_catalog.text, d.datname, d.datdba::pg_catalog.text, d.datacl::pg_catalog.text,
  pg_catalog.current_setting('search_path'), pg_catalog.current_setting('server_version_num'),
  r.oid::pg_catalog.text, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls,
  pg_catalog.shobj_description(r.oid, 'pg_authid'), pg_catalog.shobj_description(d.oid, 'pg_database'),
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(n.nspname, n.nspowner::pg_catalog.text, n.nspacl::pg_catalog.text,
      pg_catalog.obj_description(n.oid, 'pg_namespace')) ORDER BY n.nspname)
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}::pg_catalog.name OR n.nspname = 'public'::pg_catalog.name),
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(m.roleid::pg_catalog.text, m.member::pg_catalog.text,
      m.grantor::pg_catalog.text, m.admin_option) ORDER BY m.roleid, m.member, m.grantor)
    FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid OR m.roleid = r.oid),
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(s.classid::pg_catalog.text, s.objid::pg_catalog.text, s.deptype)
      ORDER BY s.classid, s.objid, s.objsubid, s.deptype)
    FROM pg_catalog.pg_shdepend AS s WHERE s.refclassid = 1260::pg_catalog.oid AND s.refobjid = r.oid
      AND (s.dbid = d.oid OR s.dbid = 0::pg_catalog.oid)
      AND (s.classid <> 1259::pg_catalog.oid OR s.deptype = 'o'::pg_catalog."char")),
  {session_settings},
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(x.setdatabase::pg_catalog.text, x.setconfig)
      ORDER BY x.setdatabase)
    FROM pg_catalog.pg_db_role_setting AS x WHERE x.setrole = r.oid)
)::pg_catalog.text, 'UTF8')), 'hex') AS fingerprint
FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = session_user
