import assert from "node:assert/strict";
import { test } from "node:test";

// The module looks at where the page is as soon as it is loaded.
Object.assign(globalThis, {
  document: { baseURI: "http://host/mounted/soniq/" },
  location: { pathname: "/mounted/soniq/jobs/abc", search: "?status=done" },
});
const { basePath, loginPath, pathBelow, place, queryText, url } = await import("../src/place");
const { resolve } = await import("../src/views");

test("the view is named by what follows the mount prefix", () => {
  assert.equal(basePath(), "/mounted/soniq/");
  assert.equal(place.value.path, "jobs/abc");
  assert.equal(place.value.query.get("status"), "done");
  assert.equal(pathBelow("/", "/failures/"), "failures");
  assert.equal(pathBelow("/mounted/", "/elsewhere"), "");
});

test("addresses keep the prefix, and leave out what is not set", () => {
  assert.equal(url("api/jobs", { queue: "a b&c", status: "", cursor: null, offset: 0 }), "/mounted/soniq/api/jobs?queue=a+b%26c&offset=0");
  assert.equal(queryText({ a: false, b: undefined }), "");
});

test("who must sign in comes back to the view and its filters", () => {
  assert.equal(loginPath({ pathname: "/mounted/soniq/jobs", search: "?status=done" }), "/mounted/soniq/login?next=%2Fjobs%3Fstatus%3Ddone");
});

test("only views that exist are resolved, and only two of them have ids", () => {
  assert.equal(resolve("")?.view.title, "Overview");
  assert.deepEqual(resolve("jobs/a%2Fb")?.id, "a/b");
  assert.equal(resolve("failures/1")?.id, "1");
  assert.equal(resolve("queues/1"), null);
  assert.equal(resolve("jobs/1/2"), null);
  assert.equal(resolve("jobs/%E0%A4%A"), null);
  assert.equal(resolve("nothing"), null);
});
