
DECLARE
  m pg_catalog.int8 := pg_catalog.currval('tenancy.seal_mark'::pg_catalog.regclass);
BEGIN
  -- The low byte is the kind times 64, and the length in bytes; 65 and above is a session's scope.
  IF m OPERATOR(pg_catalog.<) 65 THEN
    IF m OPERATOR(pg_catalog.>=) 0 THEN
      RAISE EXCEPTION USING ERRCODE = 'TN001', MESSAGE = 'no tenant scope is open',
        HINT = 'Open a scope, or use central for work across tenants.';
    END IF;
    -- Below zero: bound to the transaction that began at the microsecond above the low byte.
    m := 0 OPERATOR(pg_catalog.-) m;
    IF (m OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.<>) pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.now()) OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8) THEN
      RAISE EXCEPTION USING ERRCODE = 'TN001', MESSAGE = 'no tenant scope is open: the transaction that it was bound to has ended',
        HINT = 'Open a scope for this transaction, or use central for work across tenants.';
    END IF;
    m := m OPERATOR(pg_catalog.&) 255;
  END IF;
  IF m OPERATOR(pg_catalog.<=) 80 THEN
    RETURN pg_catalog.encode(pg_catalog.rtrim(
      pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass)),
      pg_catalog.decode('00', 'hex')), 'escape');
  END IF;
  IF m OPERATOR(pg_catalog.<=) 104 THEN
    RETURN pg_catalog.encode(pg_catalog.rtrim(
      pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_2'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_3'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_4'::pg_catalog.regclass)),
      pg_catalog.decode('00', 'hex')), 'escape');
  END IF;
  IF m OPERATOR(pg_catalog.<) 128 THEN
    RETURN pg_catalog.encode(pg_catalog.rtrim(
      pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_2'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_3'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_4'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_5'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_6'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_7'::pg_catalog.regclass)),
      pg_catalog.decode('00', 'hex')), 'escape');
  END IF;
  IF m OPERATOR(pg_catalog.=) 144 THEN
    RETURN (pg_catalog.encode(
      pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass)),
      'hex')::pg_catalog.uuid)::pg_catalog.text;
  END IF;
  RETURN (pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass))::pg_catalog.text;
END
