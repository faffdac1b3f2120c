/** A property that does not hold. */
export class Violation extends Error {
  readonly property: string;
  constructor(property: string, message: string) {
    super(message);
    this.property = property;
  }
}
