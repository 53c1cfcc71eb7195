import { expect, it } from 'vitest'
import { createPaidFetch } from '../../src/middleware/paid-fetch.ts'
import { freshConfig, QUIET, SESSION } from './rig.ts'

it('is a fetch: of a text, a URL or a Request, with what is said beside it', async () => {
  await using paid = await createPaidFetch({ config: await freshConfig(), session: SESSION }, QUIET)
  const own = 'http://purser.internal/v1/session'
  for (const input of [own, new URL(own), new Request(own)]) expect((await paid(input)).status).toBe(200)
  const answer = await paid('http://purser.internal/v1/session/requests', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'topup', amount: '1', justification: 'more' }),
  })
  expect([answer.status, await answer.json()]).toEqual([202, expect.objectContaining({ status: 'nobody_told' })])
})
