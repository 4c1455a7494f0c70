
BEGIN
  -- The right to execute this is the right to a scope that outlives its transaction.
  RETURN true;
END
