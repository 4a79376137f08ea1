// The peer of bench/watchers.py: better-sse on Node's own server, every stream in one channel.
// Prints the port that it listens on. POST / tells every stream the body of the request.
const http = require("node:http");
const { createChannel, createSession } = require("better-sse");

const channel = createChannel();
const server = http.createServer(async (request, response) => {
    if (request.method === "POST") {
        let body = "";
        for await (const part of request) body += part;
        channel.broadcast(body, "notice");
        response.writeHead(204).end();
        return;
    }
    channel.register(await createSession(request, response, { keepAlive: 15000 }));
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
    console.log(server.address().port);
});
