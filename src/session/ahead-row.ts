/** The durable row that carries what an agent asks ahead without naming a session; nothing can ever be paid by it. */

/** Its name; a row lasts for a year. @param now milliseconds since 1970 */
export function aheadRowName(agent: string, now: number): string {
  return `authorize:${agent}:${new Date(now).getUTCFullYear()}`
}
