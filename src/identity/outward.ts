/** Asking an issuer: over TLS that is verified by its own roots where they are given, bounded in time and size, without redirects. */
import { readFile } from 'node:fs/promises'
import { Agent, fetch as send } from 'undici'
import { IDENTITY_TIMEOUT_MS, MAX_IDENTITY_ANSWER_BYTES } from '../people-limits.ts'

export interface Asked {
  readonly url: string
  /** JSON to post; else it is a GET. */
  readonly body?: string
  /** Our own credential there, read for each question: such tokens are rotated. */
  readonly tokenFile?: string | undefined
  /** PEM. */
  readonly caFile?: string | undefined
}

/** Status and text of the answer. @throws Error where there is none, it takes too long, or it is too large. */
export async function ask({ url, body, tokenFile, caFile }: Asked): Promise<{ readonly status: number; readonly text: string }> {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  const bearer = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim()
  const dispatcher = new Agent({ ...(ca === undefined ? {} : { connect: { ca } }), maxResponseSize: MAX_IDENTITY_ANSWER_BYTES })
  try {
    const answer = await send(url, {
      ...{ method: body === undefined ? 'GET' : 'POST', dispatcher, redirect: 'error', signal: AbortSignal.timeout(IDENTITY_TIMEOUT_MS) },
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body }),
    })
    return { status: answer.status, text: await answer.text() }
  } finally {
    await dispatcher.destroy()
  }
}
