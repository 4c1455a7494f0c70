
BEGIN
  RETURN session_user;
END
