
DECLARE
  m pg_catalog.int8 := pg_catalog.currval('tenancy.seal_mark'::pg_catalog.regclass);
  id pg_catalog.text;
BEGIN
  -- First what is asked most: a session's scope of this kind.
  IF m OPERATOR(pg_catalog.=) 144 THEN
    RETURN pg_catalog.encode(
      pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass)),
      'hex')::pg_catalog.uuid;
  END IF;
  IF m OPERATOR(pg_catalog.<) 0 THEN
    m := 0 OPERATOR(pg_catalog.-) m;
    IF (m OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.<>) pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.now()) OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8) THEN
      RAISE EXCEPTION USING ERRCODE = 'TN001', MESSAGE = 'no tenant scope is open: the transaction that it was bound to has ended',
        HINT = 'Open a scope for this transaction, or use central for work across tenants.';
    END IF;
    m := m OPERATOR(pg_catalog.&) 255;
    IF m OPERATOR(pg_catalog.=) 144 THEN
      RETURN pg_catalog.encode(
        pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
        OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass)),
        'hex')::pg_catalog.uuid;
    END IF;
  END IF;
  -- Another kind, or no scope, which the text reader raises.
  id := tenancy.current_tenant();
  IF (id COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'TN003', MESSAGE = 'the tenant''s id is not the one spelling of a uuid',
      HINT = 'Register the tenant under a uuid in lower case with four hyphens, or use a tenant column of its own type.';
  END IF;
  RETURN id::pg_catalog.uuid;
END
