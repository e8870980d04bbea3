/** When a schedule's rounds are due. */
import { createTask, parse } from 'node-cron';
import type { Seconds } from '../units.js';

/** Steps of a search for the next moment, some days or months each: more than a day of February needs that is a Monday. */
const MOST_STEPS = 10_000;

/**
 * The moments of a cron expression, in the host's time zone. node-cron says what the expression means. Its own tasks
 * are not used: they count every moment that they missed, one by one, and a clock that is set forward by years has
 * millions of them.
 */
export class CronMoments {
  readonly #fields: ReturnType<typeof parse>;
  /** Whether a day is one of the schedule's, asked at noon. */
  readonly #isDay: (noon: Date) => boolean;

  /** @param expression one that node-cron takes */
  constructor(expression: string) {
    this.#fields = parse(expression);
    const { dayOfMonth, month, dayOfWeek } = this.#fields;
    const days = createTask(
      `* * * ${dayOfMonth.join(',')} ${month.join(',')} ${dayOfWeek.join(',')}`,
      () => undefined,
    );
    // Asked anew at every step within a day, and each answer costs node-cron many formatted dates.
    let last: { readonly noon: number; readonly is: boolean } | undefined;
    this.#isDay = (noon) => {
      if (last?.noon !== noon.getTime()) last = { noon: noon.getTime(), is: days.match(noon) };
      return last.is;
    };
    void days.destroy();
  }

  /**
   * The first moment after another one, Unix seconds; undefined when there is none within decades. The work does not
   * depend on how far away it is.
   */
  after(at: Seconds): Seconds | undefined {
    const { second, minute, hour, month } = this.#fields;
    let date = new Date((Math.floor(at) + 1) * 1000);
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const [year, inYear, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
      if (!month.includes(inYear + 1)) date = new Date(year, inYear + 1, 1);
      else if (!this.#isDay(new Date(year, inYear, day, 12))) date = new Date(year, inYear, day + 1);
      else if (!hour.includes(date.getHours())) date = new Date(nextMultiple(date, 3600));
      else if (!minute.includes(date.getMinutes())) date = new Date(nextMultiple(date, 60));
      else if (!second.includes(date.getSeconds())) date = new Date(date.getTime() + 1000);
      else return date.getTime() / 1000;
    }
    return undefined;
  }
}

/** The next full hour or minute of local time: zones differ from UTC by minutes, never by less. */
function nextMultiple(date: Date, span: Seconds): number {
  const past = (date.getMinutes() * 60 + date.getSeconds()) % span;
  return date.getTime() + (span - past) * 1000;
}
