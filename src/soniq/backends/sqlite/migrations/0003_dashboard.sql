-- compatible_with: 1

-- Who did what by hand.
CREATE TABLE soniq_audit (
    id TEXT NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX soniq_audit_newest ON soniq_audit (at, id);
