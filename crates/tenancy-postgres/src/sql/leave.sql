
DECLARE
  m pg_catalog.int8;
  moment pg_catalog.int8 := pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.now()) OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8);
  done pg_catalog.int8;
  a pg_catalog.int8;
  b pg_catalog.int8;
BEGIN
  -- Remember when a tenant was last here, so that no other enters in the same transaction.
  BEGIN
    m := pg_catalog.currval('tenancy.seal_mark'::pg_catalog.regclass);
    IF m OPERATOR(pg_catalog.>) 0 OR (m OPERATOR(pg_catalog.<) 0 AND ((0 OPERATOR(pg_catalog.-) m) OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.=) moment) THEN
      done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, moment);
    END IF;
  EXCEPTION WHEN SQLSTATE '55000' THEN
    -- The first leave() of this session, or of what DISCARD SEQUENCES left of it. In the message
    -- that began the transaction nobody was here before. Later nobody can tell, so this
    -- transaction has had an unknown tenant, and no other enters it.
    IF pg_catalog.now() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp() THEN
      done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, 0);
    ELSE
      done := pg_catalog.setval('tenancy.seal_last'::pg_catalog.regclass, 0);
      done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, moment);
    END IF;
  END;
  done := pg_catalog.setval('tenancy.seal_mark'::pg_catalog.regclass, 0);
  -- Two hashes of two strong random values: 128 bits, as integers without a detour over text.
  -- Zero would mean that there is no challenge.
  a := pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0) OPERATOR(pg_catalog.|) 1;
  b := pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0);
  done := pg_catalog.setval('tenancy.seal_challenge_1'::pg_catalog.regclass, b);
  done := pg_catalog.setval('tenancy.seal_challenge_0'::pg_catalog.regclass, a);
  RETURN pg_catalog.encode(pg_catalog.int8send(a) OPERATOR(pg_catalog.||) pg_catalog.int8send(b), 'hex');
END
