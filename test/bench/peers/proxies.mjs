/**
 * Proxies of npm that Purser is held against, one way in each process, set up as their own documents say, with connections
 * kept open on both sides. They admit everybody and log nothing.
 *
 *   node proxies.mjs fast-proxy reverse ORIGIN_PORT
 *   node proxies.mjs http-mitm-proxy absolute|intercepted FOLDER CA_FILE
 *   node proxies.mjs mockttp absolute|reverse|intercepted FOLDER CA_FILE ORIGIN_PORT
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'

const CONNECTIONS = 256
const [, , peer, way, ...rest] = process.argv

const ready = (port, caFile = '') => console.log(JSON.stringify({ port, caFile }))

async function fastProxy(port) {
  const { default: makeProxy } = await import('fast-proxy')
  const { proxy } = makeProxy({ base: `http://127.0.0.1:${port}`, undici: { connections: CONNECTIONS, pipelining: 1 } })
  const server = http.createServer((request, response) => proxy(request, response, request.url, {}))
  server.listen(0, '127.0.0.1', () => ready(server.address().port))
}

async function httpMitmProxy(folder, caFile) {
  const { Proxy } = await import('http-mitm-proxy')
  const proxy = new Proxy()
  proxy.onError(() => undefined)
  const agents = {
    httpAgent: new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS }),
    httpsAgent: new https.Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: readFileSync(caFile) }),
  }
  const sslCaDir = join(folder, `http-mitm-proxy-${way}`)
  proxy.listen({ host: '127.0.0.1', port: 0, keepAlive: true, sslCaDir, ...agents }, () =>
    ready(proxy.httpPort, join(sslCaDir, 'certs', 'ca.pem')),
  )
}

async function mockttp(folder, caFile, originPort) {
  const { generateCACertificate, getLocal } = await import('mockttp')
  const { key, cert } = await generateCACertificate()
  const ownCa = join(folder, `mockttp-${way}-ca.pem`)
  await writeFile(ownCa, cert)
  const server = getLocal({ https: { key, cert }, http2: false, recordTraffic: false, suggestChanges: false })
  await server.start()
  const options = { additionalTrustedCAs: [{ certPath: caFile }] }
  if (way === 'reverse') await server.forAnyRequest().thenForwardTo(`http://127.0.0.1:${originPort}`, options)
  else await server.forAnyRequest().thenPassThrough(options)
  ready(server.port, ownCa)
}

process.on('disconnect', () => process.exit(0))
if (peer === 'fast-proxy') await fastProxy(...rest)
else if (peer === 'http-mitm-proxy') await httpMitmProxy(...rest)
else if (peer === 'mockttp') await mockttp(...rest)
else throw new Error(`no peer of the name ${peer}`)
