// The peer of bench/webhooks.py: atlassian-connect-express with its SQLite store. It verifies each
// webhook and answers 204, as the library does by itself; it stores nothing of it.
// Run in a folder that holds atlassian-connect.json. argv: clientKey, sharedSecret, baseUrl.
// Prints the port that it listens on.
const bodyParser = require("body-parser");
const express = require("express");
const ace = require("atlassian-connect-express");

const [clientKey, sharedSecret, baseUrl] = process.argv.slice(2);
const store = { adapter: "sequelize", dialect: "sqlite", storage: "store.db", logging: false };
const production = { store, localBaseUrl: "http://127.0.0.1", allowedBaseUrls: [], whitelist: [] };
const quiet = { info() {}, warn() {}, error: console.error, debug() {} };

const app = express();
app.set("env", "production");
app.disable("x-powered-by");
app.use(bodyParser.json({ limit: "1mb" }));
const addon = ace(app, { config: { production, development: production } }, quiet, async () => {
    const client = { clientKey, sharedSecret, baseUrl, key: addon.key };
    await addon.settings.set("clientInfo", client, clientKey);
    const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
});
