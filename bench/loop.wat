;; A plugin that never comes back.
(module
  (func (export "loop")
    (loop $again (br $again))))
