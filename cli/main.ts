#!/usr/bin/env node
import { openDevice } from 'faceclipnerf'

using device = await openDevice({ kind: 'cpu' })
console.log(device.description)
