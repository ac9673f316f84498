/**
 * The longest delay of a timer, in milliseconds: 24.8 days. A timer with a longer delay fires after 1 ms, see
 * https://nodejs.org/api/timers.html#settimeoutcallback-delay-args
 */
export const longestTimer = 2 ** 31 - 1
