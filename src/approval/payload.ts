/** The body of a notice for each channel. */
import type { Subject } from './alert.ts'
import { emailPayload } from './email.ts'
import type { Address } from './people.ts'
import { slackMessage } from './slack.ts'
import { webhookPayload } from './webhook.ts'

/** What lets the reader decide: a link for one person, a token for the buttons of a channel. Never stored. */
export interface Way {
  readonly link?: string
  readonly token?: string
}

/** The body for this address, as JSON. Without a way on it holds no credential and may be kept and listed. */
export function payloadOf(subject: Subject, { channel, to = '' }: Pick<Address, 'channel' | 'to'>, { link, token }: Way = {}): string {
  switch (channel) {
    case 'webhook':
      return webhookPayload(subject, link)
    case 'email':
      return emailPayload(subject, { to, link })
    case 'slack':
      return slackMessage(subject, token)
  }
}
