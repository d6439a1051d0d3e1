/** The size of a picture from its first bytes, without decoding it. */

/** How a picture is stored: px, and how to turn it upright by EXIF (1 is upright already, 6 a quarter turn clockwise, …). */
export interface ImageHeader {
  width: number
  height: number
  orientation: number
}

/** Size and EXIF orientation of a PNG, JPEG or WebP from its beginning; undefined when these bytes do not tell. */
export function imageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    if (view.getUint32(0) === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20), orientation: 1 }
    if (view.getUint16(0) === 0xffd8) return jpegHeader(view)
    if (view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57454250) return webpHeader(view)
  } catch {
    // a RangeError: the bytes end before the size
  }
  return undefined
}

/** Walks the segments to the frame header SOFn (ITU T.81, B.2.2), and looks into APP1 for EXIF on the way. */
function jpegHeader(view: DataView): ImageHeader | undefined {
  let orientation = 1
  for (let at = 2; at < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at++ // fill byte
      continue
    }
    const size = view.getUint16(at + 2)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), orientation }
    if (marker === 0xe1) orientation = exifOrientation(view, at + 4) ?? orientation
    at += 2 + size
  }
  return undefined
}

/** Tag 0x0112 of the first directory of a TIFF header after 'Exif\0\0'. */
function exifOrientation(view: DataView, at: number): number | undefined {
  if (view.getUint32(at) !== 0x45786966) return undefined
  const tiff = at + 6
  const little = view.getUint16(tiff) === 0x4949
  const directory = tiff + view.getUint32(tiff + 4, little)
  const count = view.getUint16(directory, little)
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i
    if (view.getUint16(entry, little) !== 0x0112) continue
    const value = view.getUint16(entry + 8, little)
    return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}

/** The three kinds of first chunk: VP8X (extended), VP8L (lossless), VP8 (lossy). */
function webpHeader(view: DataView): ImageHeader | undefined {
  const kind = view.getUint32(12)
  if (kind === 0x56503858) {
    const triple = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    return { width: triple(24) + 1, height: triple(27) + 1, orientation: 1 }
  }
  if (kind === 0x5650384c) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, orientation: 1 }
  }
  if (kind === 0x56503820) return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff, orientation: 1 }
  return undefined
}
