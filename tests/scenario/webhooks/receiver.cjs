// A hook receiver that verifies with the package standardwebhooks, which shares no code with Meridian.
//
//   node receiver.cjs NODE_MODULES     prints its port, serves until its standard input ends
//
// POST /hooks  a call: 401 with the reason when it does not verify, else the decision
// POST /set    {"secret": "whsec_…", "veto": PHASE or null}
// GET /calls   every call so far: {headers, body, verified, reason}
'use strict';
const http = require('node:http');
const path = require('node:path');

const { Webhook } = require(path.join(path.resolve(process.argv[2]), 'standardwebhooks'));

let settings = { secret: null, veto: null };
const calls = [];

function judge(headers, body) {
  try {
    const payload = new Webhook(settings.secret).verify(body, headers);
    calls.push({ headers, body, verified: true, reason: null });
    const vetoes = payload.phase === settings.veto;
    return [200, vetoes ? { decision: 'veto', reason: 'told to' } : { decision: 'allow' }];
  } catch (error) {
    calls.push({ headers, body, verified: false, reason: error.message });
    return [401, { error: error.message }];
  }
}

function reply(request, body) {
  if (request.url === '/hooks') return judge(request.headers, body);
  if (request.url === '/calls') return [200, calls];
  settings = { ...settings, ...JSON.parse(body) };
  return [200, {}];
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const [status, value] = reply(request, Buffer.concat(pieces).toString('utf8'));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
