/** Each index costs every payment a page of the disk: where a window begins is found by halves among the ordinals. */
export const fewerPages = `
DROP INDEX rolling_at;
`
