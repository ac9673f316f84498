import { SeededRandom } from '@holdfast/core/data'
import { type Digit, digitAt, type Digits, pixels } from './digits.ts'

const hidden = 128
const classes = 10
const learningRate = 0.05
const momentum = 0.9

/** Offsets into the flat array of parameters. */
const firstWeights = 0
const firstBiases = firstWeights + pixels * hidden
const secondWeights = firstBiases + hidden
const secondBiases = secondWeights + hidden * classes
const parameterCount = secondBiases + classes

/** A network with one hidden layer (ReLU) and softmax, trained by stochastic gradient descent with momentum. */
export class Network {
  readonly parameters: Float32Array
  /** The state of the optimizer. A resumed run needs it to continue exactly. */
  readonly velocity: Float32Array
  readonly #gradient = new Float32Array(parameterCount)
  readonly #activations = new Float32Array(hidden)
  readonly #outputs = new Float32Array(classes)

  constructor(seed: number) {
    const random = new SeededRandom(seed)
    this.parameters = Float32Array.from({ length: parameterCount }, (_, index) => {
      if (index < firstBiases) return (random.next() * 2 - 1) * Math.sqrt(6 / pixels)
      if (index >= secondWeights && index < secondBiases)
        return (random.next() * 2 - 1) * Math.sqrt(6 / hidden)
      return 0
    })
    this.velocity = new Float32Array(parameterCount)
  }

  /** Trains on one batch, and returns its mean loss (cross-entropy). */
  train(batch: readonly Digit[]): number {
    this.#gradient.fill(0)
    let loss = 0
    for (const digit of batch) loss += this.#backward(digit)
    this.parameters.forEach((parameter, each) => {
      const slope = at(this.#gradient, each) / batch.length
      const velocity = momentum * at(this.velocity, each) - learningRate * slope
      this.velocity[each] = velocity
      this.parameters[each] = parameter + velocity
    })
    return loss / batch.length
  }

  /** Returns the share of the digits that the network recognises, from 0 to 1. */
  accuracy(digits: Digits): number {
    let right = 0
    for (let index = 0; index < digits.count; index += 1) {
      const { image, label } = digitAt(digits, index)
      this.#forward(image)
      if (this.#outputs.indexOf(Math.max(...this.#outputs)) === label) right += 1
    }
    return right / digits.count
  }

  /** Computes the activations of the hidden layer and the probability of each digit. */
  #forward(image: Float32Array): void {
    const { parameters } = this
    this.#activations.set(parameters.subarray(firstBiases, secondWeights))
    image.forEach((grey, pixel) => {
      if (grey !== 0)
        addScaled(this.#activations, parameters.subarray(pixel * hidden, (pixel + 1) * hidden), grey)
    })
    this.#outputs.set(parameters.subarray(secondBiases))
    this.#activations.forEach((activation, unit) => {
      const rectified = Math.max(0, activation)
      this.#activations[unit] = rectified
      const row = secondWeights + unit * classes
      addScaled(this.#outputs, parameters.subarray(row, row + classes), rectified)
    })
    softmax(this.#outputs)
  }

  /** Adds the gradient of one image, and returns its loss. */
  #backward({ image, label }: Digit): number {
    this.#forward(image)
    const loss = -Math.log(Math.max(at(this.#outputs, label), 1e-12))
    const outputSlopes = this.#outputs.slice()
    outputSlopes[label] = at(outputSlopes, label) - 1
    addScaled(this.#gradient.subarray(secondBiases), outputSlopes, 1)
    const hiddenSlopes = this.#activations.map((activation, unit) => {
      const row = secondWeights + unit * classes
      addScaled(this.#gradient.subarray(row, row + classes), outputSlopes, activation)
      return activation > 0 ? dot(this.parameters.subarray(row, row + classes), outputSlopes) : 0
    })
    addScaled(this.#gradient.subarray(firstBiases, secondWeights), hiddenSlopes, 1)
    image.forEach((grey, pixel) => {
      if (grey !== 0)
        addScaled(this.#gradient.subarray(pixel * hidden, (pixel + 1) * hidden), hiddenSlopes, grey)
    })
    return loss
  }
}

function addScaled(target: Float32Array, source: Float32Array, factor: number): void {
  for (let index = 0; index < source.length; index += 1)
    target[index] = at(target, index) + factor * at(source, index)
}

function dot(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, index) => sum + value * at(other, index), 0)
}

function softmax(values: Float32Array): void {
  const largest = Math.max(...values)
  let sum = 0
  values.forEach((value, index) => {
    values[index] = Math.exp(value - largest)
    sum += at(values, index)
  })
  values.forEach((value, index) => {
    values[index] = value / sum
  })
}

function at(values: Float32Array, index: number): number {
  return values[index] ?? 0
}
