
DECLARE
  m pg_catalog.int8;
  moment pg_catalog.int8 := pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.now()) OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8);
  was_here pg_catalog.bool;
  done pg_catalog.int8;
  answer pg_catalog.text;
BEGIN
  -- What leave() would remember, or has remembered: DISCARD SEQUENCES forgets it.
  BEGIN
    m := pg_catalog.currval('tenancy.seal_mark'::pg_catalog.regclass);
    was_here := m OPERATOR(pg_catalog.>) 0
      OR (m OPERATOR(pg_catalog.<) 0 AND ((0 OPERATOR(pg_catalog.-) m) OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.=) moment)
      OR pg_catalog.currval('tenancy.seal_moment'::pg_catalog.regclass) OPERATOR(pg_catalog.=) moment;
  EXCEPTION WHEN SQLSTATE '55000' THEN
    was_here := pg_catalog.now() OPERATOR(pg_catalog.<>) pg_catalog.statement_timestamp();
  END;
  DISCARD SEQUENCES;
  IF was_here THEN
    -- An unknown tenant: no other enters this transaction.
    done := pg_catalog.setval('tenancy.seal_last'::pg_catalog.regclass, 0);
    done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, moment);
  ELSE
    done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, 0);
  END IF;
  done := pg_catalog.setval('tenancy.seal_mark'::pg_catalog.regclass, 0);
  -- The locks, and a new random seed, or the next tenant's random() could be foretold.
  PERFORM pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed((pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)::pg_catalog.float8) OPERATOR(pg_catalog./) 9223372036854775808::pg_catalog.float8);
  SELECT pg_catalog.concat_ws(' ', tenancy.leave(), p_nonce,
      pg_catalog.count(*) FILTER (WHERE p.from_sql), pg_catalog.count(*) FILTER (WHERE NOT p.from_sql),
      session_user OPERATOR(pg_catalog.=) p_acting, pg_catalog.pg_backend_pid())
    INTO answer FROM pg_catalog.pg_prepared_statement() AS p;
  RETURN answer;
END
