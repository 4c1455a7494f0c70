
DECLARE
  m pg_catalog.int8 := pg_catalog.currval('tenancy.seal_mark'::pg_catalog.regclass);
  done pg_catalog.int8;
  a pg_catalog.int8;
  b pg_catalog.int8;
  inner_block pg_catalog.bytea;
  outer_block pg_catalog.bytea;
  meta pg_catalog.int8 := p_meta OPERATOR(pg_catalog.&) 255;
  moment pg_catalog.int8 := pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.now()) OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8);
  packed pg_catalog.bytea;
BEGIN
  -- Invalidate: the scope is closed and the challenge spent, whatever comes of this. A tenant
  -- that was here is remembered, as leave() does.
  IF m OPERATOR(pg_catalog.>) 0 OR (m OPERATOR(pg_catalog.<) 0 AND ((0 OPERATOR(pg_catalog.-) m) OPERATOR(pg_catalog.>>) 8) OPERATOR(pg_catalog.=) moment) THEN
    done := pg_catalog.setval('tenancy.seal_moment'::pg_catalog.regclass, moment);
  END IF;
  done := pg_catalog.setval('tenancy.seal_mark'::pg_catalog.regclass, 0);
  a := pg_catalog.currval('tenancy.seal_challenge_0'::pg_catalog.regclass);
  b := pg_catalog.currval('tenancy.seal_challenge_1'::pg_catalog.regclass);
  done := pg_catalog.setval('tenancy.seal_challenge_0'::pg_catalog.regclass, 0);

  -- A scope of the session is for logins that own their sessions: behind a transaction pooler it
  -- would be there for the next client.
  IF p_meta OPERATOR(pg_catalog.>=) 256 AND NOT pg_catalog.has_function_privilege(session_user, 'tenancy.session_bound()'::pg_catalog.regprocedure::pg_catalog.oid, 'EXECUTE') THEN
    RAISE EXCEPTION USING ERRCODE = 'TN006', MESSAGE = 'this login enters a tenant for one transaction only',
      HINT = 'Bind the scope to the transaction, or log in as the runtime role, without a transaction pooler.';
  END IF;

  -- Check. The key is a row, never a constant of a plan.
  SELECT k.inner_block, k.outer_block INTO inner_block, outer_block
    FROM tenancy.seal_key AS k WHERE k.key_id OPERATOR(pg_catalog.=) p_key;
  packed := pg_catalog.int8send(p_0) OPERATOR(pg_catalog.||) pg_catalog.int8send(p_1)
    OPERATOR(pg_catalog.||) pg_catalog.int8send(p_2) OPERATOR(pg_catalog.||) pg_catalog.int8send(p_3)
    OPERATOR(pg_catalog.||) pg_catalog.int8send(p_4) OPERATOR(pg_catalog.||) pg_catalog.int8send(p_5)
    OPERATOR(pg_catalog.||) pg_catalog.int8send(p_6) OPERATOR(pg_catalog.||) pg_catalog.int8send(p_7);
  -- NULL anywhere makes this NULL, which is not TRUE.
  IF (a OPERATOR(pg_catalog.<>) 0 AND pg_catalog.sha256(outer_block OPERATOR(pg_catalog.||) pg_catalog.sha256(inner_block
      OPERATOR(pg_catalog.||) pg_catalog.int8send((p_key::pg_catalog.int8 OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) (65536::pg_catalog.int8 OPERATOR(pg_catalog.|) p_meta::pg_catalog.int8))
      OPERATOR(pg_catalog.||) pg_catalog.int8send(a) OPERATOR(pg_catalog.||) pg_catalog.int8send(b)
      OPERATOR(pg_catalog.||) packed)) OPERATOR(pg_catalog.=) p_mac) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'TN002', MESSAGE = 'the proof of the tenant does not hold',
      HINT = 'A proof opens one scope, once, on the connection whose leave() gave its challenge, while its key is installed.';
  END IF;
  -- The id is the one spelling of its value. A uuid's 16 bytes always are.
  IF (CASE
        WHEN p_meta OPERATOR(pg_catalog.<) 0 OR p_meta OPERATOR(pg_catalog.>) 511 THEN false
        WHEN meta OPERATOR(pg_catalog.>) 64 AND meta OPERATOR(pg_catalog.<) 128 THEN
          pg_catalog.octet_length(pg_catalog.rtrim(packed, pg_catalog.decode('00', 'hex'))) OPERATOR(pg_catalog.=) (meta OPERATOR(pg_catalog.-) 64)
          AND (pg_catalog.encode(pg_catalog.rtrim(packed, pg_catalog.decode('00', 'hex')), 'escape') COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$')
        WHEN meta OPERATOR(pg_catalog.=) 144 THEN true
        WHEN meta OPERATOR(pg_catalog.=) 200 THEN p_0 OPERATOR(pg_catalog.>=) 0
        ELSE false
      END) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'TN003', MESSAGE = 'the tenant''s id is not the one spelling of its value',
      HINT = 'Register the tenant under the spelling that the type of its column writes.';
  END IF;
  -- One tenant for one transaction: a cursor would keep the first one's rows.
  IF pg_catalog.currval('tenancy.seal_moment'::pg_catalog.regclass) OPERATOR(pg_catalog.=) moment
     AND (pg_catalog.currval('tenancy.seal_last'::pg_catalog.regclass) OPERATOR(pg_catalog.=) meta
       AND pg_catalog.currval('tenancy.seal_piece_0'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_0
       AND (meta OPERATOR(pg_catalog.=) 200 OR pg_catalog.currval('tenancy.seal_piece_1'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_1)
       AND (meta OPERATOR(pg_catalog.<=) 80 OR meta OPERATOR(pg_catalog.>=) 128 OR (
             pg_catalog.currval('tenancy.seal_piece_2'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_2
         AND pg_catalog.currval('tenancy.seal_piece_3'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_3
         AND pg_catalog.currval('tenancy.seal_piece_4'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_4))
       AND (meta OPERATOR(pg_catalog.<=) 104 OR meta OPERATOR(pg_catalog.>=) 128 OR (
             pg_catalog.currval('tenancy.seal_piece_5'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_5
         AND pg_catalog.currval('tenancy.seal_piece_6'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_6
         AND pg_catalog.currval('tenancy.seal_piece_7'::pg_catalog.regclass) OPERATOR(pg_catalog.=) p_7))) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'TN004', MESSAGE = 'another tenant was here in this transaction or message',
      HINT = 'End the transaction, and the message, before you enter a second tenant.';
  END IF;

  -- Write, the mark last.
  done := pg_catalog.setval('tenancy.seal_piece_0'::pg_catalog.regclass, p_0);
  IF meta OPERATOR(pg_catalog.<>) 200 THEN
    done := pg_catalog.setval('tenancy.seal_piece_1'::pg_catalog.regclass, p_1);
    IF meta OPERATOR(pg_catalog.>) 80 AND meta OPERATOR(pg_catalog.<) 128 THEN
      done := pg_catalog.setval('tenancy.seal_piece_2'::pg_catalog.regclass, p_2);
      done := pg_catalog.setval('tenancy.seal_piece_3'::pg_catalog.regclass, p_3);
      done := pg_catalog.setval('tenancy.seal_piece_4'::pg_catalog.regclass, p_4);
      IF meta OPERATOR(pg_catalog.>) 104 THEN
        done := pg_catalog.setval('tenancy.seal_piece_5'::pg_catalog.regclass, p_5);
        done := pg_catalog.setval('tenancy.seal_piece_6'::pg_catalog.regclass, p_6);
        done := pg_catalog.setval('tenancy.seal_piece_7'::pg_catalog.regclass, p_7);
      END IF;
    END IF;
  END IF;
  done := pg_catalog.setval('tenancy.seal_last'::pg_catalog.regclass, meta);
  IF p_meta OPERATOR(pg_catalog.>=) 256 THEN
    done := pg_catalog.setval('tenancy.seal_mark'::pg_catalog.regclass, meta);
  ELSE
    done := pg_catalog.setval('tenancy.seal_mark'::pg_catalog.regclass, 0 OPERATOR(pg_catalog.-) ((moment OPERATOR(pg_catalog.<<) 8) OPERATOR(pg_catalog.|) meta));
  END IF;
  RETURN pg_catalog.encode(p_mac, 'hex');
END
