/* Steps
  0 Softmax{axis=(1,)}
*/
