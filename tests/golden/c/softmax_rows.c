/* Steps
  0 Python Softmax{axis=(1,)}
*/
