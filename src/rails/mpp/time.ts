/** Times as challenges write them (RFC 3339). */

const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(?:Z|([+-])(\d{2}):(\d{2}))$/

/** Whole seconds since 1970, rounded down; undefined for what is no time, e.g. the 30th of February or a leap second. */
export function readTime_s(text: string): number | undefined {
  const [, local = '', sign, hours = '0', minutes = '0'] = RFC3339.exec(text) ?? []
  const ms = Date.parse(`${local}Z`)
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, local.length) !== local) return undefined
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  const offset_s = (Number(hours) * 60 + Number(minutes)) * 60
  const end_s = ms / 1000 - (sign === '-' ? -offset_s : offset_s)
  return end_s > 0 ? end_s : undefined
}
