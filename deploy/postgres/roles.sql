-- The roles of Estuary: who owns the tables and migrates them, and who works with them. Run once, by a superuser, in
-- Estuary's empty database; what each may do with a table is granted by every `manage.py migrate`, run by the owner.
-- Passwords come from the environment. Why: docs/decisions/0025-lock-timeouts-and-connection-admission.md
\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_PASSWORD
\getenv web_password DB_WEB_PASSWORD
\getenv worker_password DB_WORKER_PASSWORD

CREATE ROLE estuary_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE estuary_web LOGIN PASSWORD :'web_password';
CREATE ROLE estuary_worker LOGIN PASSWORD :'worker_password';

ALTER DATABASE :"DBNAME" OWNER TO estuary_owner;
ALTER SCHEMA public OWNER TO estuary_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO estuary_web, estuary_worker;

-- What a web request may wait for, also through a PgBouncer. The worker and migrations have no such limits.
ALTER ROLE estuary_web IN DATABASE :"DBNAME" SET lock_timeout = '1s';
ALTER ROLE estuary_web IN DATABASE :"DBNAME" SET statement_timeout = '4s';
ALTER ROLE estuary_web IN DATABASE :"DBNAME" SET idle_in_transaction_session_timeout = '10s';
