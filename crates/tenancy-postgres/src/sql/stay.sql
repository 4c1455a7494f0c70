
DECLARE
  answer pg_catalog.text;
BEGIN
  PERFORM pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed((pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)::pg_catalog.float8) OPERATOR(pg_catalog./) 9223372036854775808::pg_catalog.float8);
  -- Raises where no scope is open any more.
  SELECT pg_catalog.concat_ws(' ', tenancy.current_tenant(), p_nonce,
      pg_catalog.count(*) FILTER (WHERE p.from_sql), pg_catalog.count(*) FILTER (WHERE NOT p.from_sql),
      session_user OPERATOR(pg_catalog.=) p_acting, pg_catalog.pg_backend_pid())
    INTO answer FROM pg_catalog.pg_prepared_statement() AS p;
  RETURN answer;
END
