/** Paths without what varies in them: `/orders/8812/lines` and `/orders/17/lines` have one shape. */

const NUMBER = /^[0-9]+([.,_-][0-9]+)*$/
const IDENTIFIER = /^(0x)?[0-9a-f]{8,}(-[0-9a-f]{4,})*$/i
/** Words of people are shorter, or have no digits among their letters. */
const TOKEN = /^(?=.*[0-9])[A-Za-z0-9_~.-]{20,}$/

/**
 * The path with `*` in place of segments that are numbers, identifiers or long tokens. Without query; doubled and final
 * slashes make no difference.
 */
export function pathShape(path: string): string {
  const segments = path
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((segment) => segment !== '')
  return `/${segments.map((segment) => (isVarying(segment) ? '*' : segment)).join('/')}`
}

function isVarying(segment: string): boolean {
  return NUMBER.test(segment) || (IDENTIFIER.test(segment) && /[0-9]/.test(segment)) || TOKEN.test(segment)
}
