package staff

import "github.com/gin-gonic/gin"

// mountPeople puts the lists and pages of people and records on the engine.
func (s *Inbox) mountPeople(g *gin.RouterGroup) {}
