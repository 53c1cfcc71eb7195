/** `GET /v1/events`: the feed as server-sent events. A listener that does not keep up is let go, and goes on with its last id. */
import { createRoute, z } from '@hono/zod-openapi'
import { EVENT_HEARTBEAT_MS, EVENT_STREAM_MS, MAX_KEPT_EVENTS, MAX_QUEUED_EVENTS } from '../limits.ts'
import type { EventFeed, FeedEvent } from './event-feed.ts'
import { type AdminApp, allow, PROBLEMS, READERS } from './router.ts'
import type { SignIns } from './signin-book.ts'
import { cookieOf } from './signin-cookie.ts'

const events = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'Server-sent events: approval, payment, session, halts, policy; after `reset` read the lists anew',
  ...allow(...READERS),
  request: { headers: z.object({ 'last-event-id': z.string().max(200).optional() }) },
  responses: {
    200: {
      description: 'A stream that says what happened and where; it ends from time to time, and goes on with Last-Event-ID',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...PROBLEMS,
  },
})

interface EventsDeps {
  readonly feed: EventFeed
  readonly signIns: Pick<SignIns, 'find'>
  readonly people: { readonly secureCookies: boolean }
}

/** Whoever signs out, or whose sign-in ends, hears nothing any more; a token that is revoked ends all streams. */
export function registerEvents(app: AdminApp, { feed, signIns, people }: EventsDeps): void {
  app.openapi(events, (context) => {
    const after = context.req.valid('header')['last-event-id']
    const secret = context.get('signedIn') && cookieOf(context, { secure: people.secureCookies })
    const holds = () => secret === undefined || signIns.find(secret, { renew: false }) !== undefined
    return new Response(streamOf(feed, { after, holds }), { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } })
  })
}

export interface Listening {
  readonly after?: string | undefined
  /** Whether who listens still may; asked at each heartbeat. */
  readonly holds?: () => boolean
}

/** @throws PurserError `conflict` where too many listen already. */
export function streamOf(feed: EventFeed, { after, holds = () => true }: Listening = {}): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const parting = new DisposableStack()
  return new ReadableStream(
    {
      start(controller) {
        const close = () => {
          if (parting.disposed) return
          parting.dispose()
          controller.close()
        }
        const write = (text: string) => ((controller.desiredSize ?? 0) > 0 ? controller.enqueue(encoder.encode(text)) : close())
        write('retry: 1000\n\n')
        parting.defer(feed.join({ deliver: (event) => write(textOf(event)), end: close }, after))
        const heartbeat = setInterval(() => (holds() ? write(':\n\n') : close()), EVENT_HEARTBEAT_MS).unref()
        parting.defer(() => clearInterval(heartbeat))
        // Then it is asked for again, and the token is looked at again.
        const end = setTimeout(close, EVENT_STREAM_MS).unref()
        parting.defer(() => clearTimeout(end))
      },
      cancel: () => parting.dispose(),
    },
    // All that was kept, and as much again.
    { highWaterMark: MAX_KEPT_EVENTS + MAX_QUEUED_EVENTS },
  )
}

function textOf({ id, type, data }: FeedEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
