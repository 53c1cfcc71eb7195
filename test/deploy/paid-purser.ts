/** A Purser that has seen a working day: paid, supervised, approved, refused and free requests, on a chain of its own. */
import { vi } from 'vitest'
import { startHook } from '../crash/people.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from '../e2e/purser.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'

export interface PaidPurser extends AsyncDisposable {
  readonly purser: RunningPurser
  /** Where `metrics.listen` answers. */
  readonly metricsUrl: string
  /** GET of a paid path through the proxy, by path: /weather is paid at once, /broken is prohibited. */
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<number>
  /** The text at `/metrics`. */
  scrape(): Promise<string>
}

/** @param sections that stand beside what the day needs */
export async function startPaidPurser(sections: Readonly<Record<string, unknown>> = {}): Promise<PaidPurser> {
  await using started = new AsyncDisposableStack()
  const testnet = started.use(await startTestnet())
  const hook = started.use(await startHook())
  const purser = started.use(await startPurser({ ...supervised(testnet, hook.url), ...sections }))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000_000n)
  const session = await purser.openSession({ cap: '0.05' })
  const ask = async (path: string, headers = {}) => {
    const answer = await fetch(`${purser.app.proxyUrl}/paid${path}`, { headers: { 'purser-session': session.token, ...headers } })
    await answer.arrayBuffer()
    return answer.status
  }
  const metricsUrl = purser.app.metricsUrl ?? ''
  await work(purser, session, ask)
  const all = started.move()
  return {
    ...{ purser, metricsUrl, ask },
    scrape: async () => (await fetch(`${metricsUrl}/metrics`)).text(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** By path: /weather is paid at once, /data runs a veto window, /stream asks, /broken is prohibited, /expensive is beyond the cap. */
function supervised(testnet: Testnet, hookUrl: string): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const rule = (path: string, category: string) => ({ host: '*', path, category })
  const conditions = (...categories: string[]) => ({
    ...{ maxAmount: '50', categories, recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
  })
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes: [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }] },
    metrics: { listen: '127.0.0.1:0' },
    people: [{ id: 'ops', roles: ['owner', 'approver'], webhook: hookUrl }],
    approvals: { hold: '20s', vetoHold: '20s' },
    categories: [rule('/data', 'data_access'), rule('/stream', 'agent_hire'), rule('/broken', 'gambling'), rule('*', 'api_calls')],
    tiers: [
      { name: 'autonomous', conditions: conditions('api_calls'), approval: 'none' },
      { name: 'supervised', conditions: conditions('data_access'), approval: 'notify_with_veto', vetoWindow: '1s' },
      { name: 'collaborative', conditions: conditions('agent_hire'), approval: 'explicit_human', timeout: '4h' },
      { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked', alert: 'immediate_to_owner' },
    ],
  }
}

async function work(purser: RunningPurser, { id }: OpenSession, ask: PaidPurser['ask']): Promise<void> {
  const asked = ask('/stream')
  await vi.waitFor(async () => {
    const { items } = await purser.admin<{ items: { id: string; sessionId: string }[] }>('/v1/approvals?state=pending')
    const mine = items.find(({ sessionId }) => sessionId === id)
    if (!mine) throw new Error('nothing waits')
    await purser.admin(`/v1/approvals/${mine.id}/approve`, { method: 'POST', body: JSON.stringify({ reason: 'by the test' }) })
  }, 10_000)
  const others = [await ask('/weather?n=1'), await ask('/data'), await ask('/broken'), await ask('/expensive'), await ask('/free')]
  const statuses = [await asked, ...others]
  if (statuses.join() !== '200,200,200,403,403,200') throw new Error(`the day went otherwise: ${statuses.join()}`)
}
