-- Who did what by hand.
CREATE TABLE soniq_audit (
    id uuid NOT NULL CONSTRAINT soniq_audit_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    address text NOT NULL,
    detail text NOT NULL
);

CREATE INDEX soniq_audit_newest ON soniq_audit (at, id);
