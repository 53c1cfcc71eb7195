/** From the form for a new session to the API's body. What is left empty is left out: absent means the API's own meaning. */

export interface SessionForm {
  readonly agent: string
  readonly purpose: string
  readonly cap: string
  readonly ttl: string
  readonly perPayment: string
  readonly payments: string
  /** Separated by commas or blanks. */
  readonly hosts: string
  readonly owner: string
  /** Id of a session, or empty. */
  readonly parent: string
  readonly singleUse: boolean
}

/** The body of `POST /v1/sessions`; the server checks every word of it. */
export function sessionBody(form: SessionForm): Record<string, unknown> {
  const limits = { ...said('perPayment', form.perPayment), ...saidCount('payments', form.payments) }
  const hosts = namesIn(form.hosts)
  return {
    ...{ ...said('agent', form.agent), ...said('purpose', form.purpose), cap: form.cap.trim(), ttl: form.ttl.trim() },
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(hosts.length > 0 && { scope: { hosts } }),
    ...said('owner', form.owner),
    ...said('parent', form.parent),
    ...(form.singleUse && { singleUse: true }),
  }
}

function said(name: string, text: string): Record<string, string> {
  return text.trim() === '' ? {} : { [name]: text.trim() }
}

/** What is no whole number goes as it was written, so that the server says what is wrong with it. */
function saidCount(name: string, text: string): Record<string, number | string> {
  const count = text.trim()
  if (count === '') return {}
  return { [name]: /^\d{1,9}$/.test(count) ? Number(count) : count }
}

export function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== '')
}
