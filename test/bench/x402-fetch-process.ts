/**
 * The protocol's own client, a process of its own: `@x402/fetch` with the exact scheme of `@x402/evm`. Two ways: it takes
 * jobs and pays in its own loops, as an agent would in its process; with `--listen` it pays behind a plain `http` server,
 * as a small paying proxy would. It has no ledger, no caps and no policy.
 *
 *   node x402-fetch-process.ts [--listen ORIGIN_PORT]
 */
import { createServer } from 'node:http'
import { registerExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { inLoops, serveJobs } from './load.ts'

const PayJob = z.object({ url: z.string(), connections: z.number(), warmup_ms: z.number(), duration_ms: z.number() })

const client = new x402Client()
registerExactEvmScheme(client, { signer: privateKeyToAccount(generatePrivateKey()) })
const pay = wrapFetchWithPayment(fetch, client)

async function buy(url: string): Promise<{ headers: Headers; body: Buffer }> {
  const answer = await pay(url)
  const body = Buffer.from(await answer.arrayBuffer())
  if (answer.status !== 200) throw new Error(`paid, and got ${answer.status}: ${body.toString()}`)
  return { headers: answer.headers, body }
}

function listen(port: string): void {
  const server = createServer((request, response) => {
    buy(`http://127.0.0.1:${port}${request.url}`).then(
      ({ headers, body }) => {
        response.writeHead(200, { 'content-type': headers.get('content-type') ?? '', 'content-length': body.length })
        response.end(body)
      },
      (fault: unknown) => {
        console.error(fault)
        response.destroy()
      },
    )
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    console.log(JSON.stringify({ port: typeof address === 'object' && address ? address.port : 0 }))
  })
  process.on('disconnect', () => process.exit(0))
}

const [, , flag, port = ''] = process.argv
if (flag === '--listen') listen(port)
else serveJobs(PayJob, ({ url, connections, ...times }) => inLoops({ lanes: connections, ...times }, (_, n) => buy(`${url}?n=${n}`)))
